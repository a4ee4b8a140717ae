"""Binary networks: ordinary modules that know nothing of training methods."""
