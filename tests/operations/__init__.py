"""How Assayer is run: settings, migrations, real servers, workers and failures around them."""
