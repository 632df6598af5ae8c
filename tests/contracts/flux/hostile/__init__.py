"""Callers who mean harm: what they send is refused in the contract's shape, costs little, and leaves nothing half done."""
