"""We never write financial data to Square."""
