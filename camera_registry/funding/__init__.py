"""The funding ledger: who paid for what, point by point. A register of funding, not the books."""
