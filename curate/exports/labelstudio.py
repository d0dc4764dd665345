"""Label Studio: a JSON list of tasks, each with its choices, for a project over the same local files.

Photos are named as /data/local-files/?d=..., from the root of the disk: Label Studio shows them when it is started with
LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT=/, and its project has
<View><Image name="image" value="$image"/><Choices name="label" toName="image" choice="multiple">...</Choices></View>.
"""

from __future__ import annotations

import json
from urllib.parse import quote

from curate.exports.order import Exported, Order
from curate.exports.target import new_file


def write(order: Order) -> Exported:
    """Write the file; ExportRefused, OSError. An image without a file has no task."""
    done = Exported()
    with new_file(order.target, overwrite=order.overwrite) as partial, partial.open("x", encoding="utf-8") as sink:
        sink.write("[")
        for page in order.pages:
            for image in page:
                if not image.files:
                    done.misses(image)
                    continue
                choice = {
                    "from_name": "label",
                    "to_name": "image",
                    "type": "choices",
                    "value": {"choices": image.labels},
                }
                task = {
                    "data": {
                        "image": f"/data/local-files/?d={quote(image.files[0].path.lstrip(b'/'))}",
                        "image_id": image.id,
                        "sha256": image.sha256,
                        "rejected": image.rejected,
                    },
                    "annotations": [{"result": [choice] if image.labels else []}],
                }
                sink.write(f"{',' if done.images else ''}\n{json.dumps(task, ensure_ascii=False)}")
                done.wrote(image, len(image.labels))
            order.progress(len(page))
        sink.write("\n]\n")
    return done
