"""What a report says and the forms that it takes; everything here is made from values alone."""
