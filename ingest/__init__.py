"""From a folder of pictures to the catalog: scan, read, decode, embed, shard, thumbnails."""
