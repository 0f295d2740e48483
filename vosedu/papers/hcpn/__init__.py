"""HCPN (Pei et al., IEEE TIP 2023): hierarchical co-attention propagation."""
