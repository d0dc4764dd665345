"""Parquet: a row for each image with its labels and its vector, a page of images to a row group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from catalog.labelled import LabelledImage
from curate.exports.names import shown_path
from curate.exports.order import Exported, Order, Vectors
from curate.exports.target import ExportRefused


def write(order: Order, sink: BinaryIO, done: Exported) -> Iterator[None]:
    """Write the file, a page of images at each step; ExportRefused, OSError, and what reading a shard raises.

    `vector` is null for an image that the encoder has not embedded; the file's metadata name the encoder.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise ExportRefused("Parquet needs pyarrow, which is not installed: pip install pyarrow.") from error
    fields = [
        pa.field("image_id", pa.int64(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("path", pa.string()),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("labels", pa.list_(pa.string()), nullable=False),
        pa.field("rejected", pa.list_(pa.string()), nullable=False),
    ]
    metadata = {}
    if order.vectors is not None:
        fields.append(pa.field("vector", pa.list_(pa.float32(), order.vectors.dimension)))
        metadata["ruiji.encoder"] = order.vectors.encoder_id
    schema = pa.schema(fields, metadata=metadata)
    with pq.ParquetWriter(sink, schema, compression="zstd") as rows:
        for page in order.pages:
            columns: dict[str, Any] = {
                "image_id": [image.id for image in page],
                "sha256": [image.sha256 for image in page],
                "path": [shown_path(image.files[0].path) if image.files else None for image in page],
                "width": [image.width for image in page],
                "height": [image.height for image in page],
                "labels": [image.labels for image in page],
                "rejected": [image.rejected for image in page],
            }
            if order.vectors is not None:
                columns["vector"] = _vectors(pa, order.vectors, page)
            rows.write_table(pa.table(columns, schema=schema))
            for image in page:
                done.wrote(image, len(image.labels))
            order.progress(len(page))
            yield


def _vectors(pa: Any, vectors: Vectors, page: list[LabelledImage]) -> Any:
    """A column of fixed-size lists (len(page),), null where an image has none."""
    found = vectors.of([image.id for image in page])
    block = np.zeros((len(page), vectors.dimension), np.float32)
    lost = np.ones(len(page), bool)
    for row, image in enumerate(page):
        if (vector := found.get(image.id)) is not None:
            block[row], lost[row] = vector, False
    return pa.FixedSizeListArray.from_arrays(pa.array(block.ravel()), vectors.dimension, mask=pa.array(lost))
