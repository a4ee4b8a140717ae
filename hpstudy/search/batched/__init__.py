"""Proposals for several searches at once: K Gaussian processes and K acquisitions as one batch of tensors."""
