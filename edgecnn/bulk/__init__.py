"""A million pictures answered by many workers: into a folder of Parquet files, and the rest of them after a stop; or by
two models, to be compared."""

from typing import TYPE_CHECKING

from edgecnn import lazy

if TYPE_CHECKING:
    from edgecnn.bulk.predicting import predict_bulk
    from edgecnn.bulk.told import Bulk
    from edgecnn.bulk.verifying import verify_bulk

__all__ = ["Bulk", "predict_bulk", "verify_bulk"]

lazy.stage(__name__, {"Bulk": "told", "predict_bulk": "predicting", "verify_bulk": "verifying"})
