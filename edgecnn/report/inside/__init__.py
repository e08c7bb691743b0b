"""Pictures of what is inside a model file, drawn from what ``edgecnn.insight`` finds.

They are for light and dark pages: nothing behind them, and ink that is read on both.
"""
