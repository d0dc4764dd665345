"""Celery workers: embed queries, embed chunks, fill the index, sweep what lost its worker."""
