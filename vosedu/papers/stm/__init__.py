"""STM (Oh et al., ICCV 2019): follows objects by reading from a memory of past frames.

A companion, not one of the papers: it propagates the objects that HCPN's instance pipeline finds.
"""
