"""What each desk reads: one module per desk, every answer through the masking door; pages fold nothing themselves."""
