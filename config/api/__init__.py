"""What every endpoint shares: envelope, errors, parsing, paging, CSV. Imports no app."""
