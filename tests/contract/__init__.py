"""What every endpoint promises alike: who may, in what shape, at what cost, whatever is sent."""
