"""AMC-Net (Yang et al., ICCV 2021): motion and appearance, weighed against each other."""
