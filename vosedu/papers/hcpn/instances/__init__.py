"""The instance level of HCPN: proposals, foreground, propagation, merging."""
