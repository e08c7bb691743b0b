"""A million pictures answered by many workers into a folder of Parquet files, and the rest of them after a stop."""

from typing import TYPE_CHECKING

from edgecnn import lazy

if TYPE_CHECKING:
    from edgecnn.bulk.predicting import predict_bulk
    from edgecnn.bulk.told import Bulk

__all__ = ["Bulk", "predict_bulk"]

lazy.stage(__name__, {"Bulk": "told", "predict_bulk": "predicting"})
