"""We never write to a shop's orders, customers or products: each write would come back as a change of the order."""
