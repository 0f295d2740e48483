"""DeAOT (Yang and Yang, NeurIPS 2022) and AOT: objects of a given mask, followed by identity."""
