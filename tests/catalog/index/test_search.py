"""Search as a page asks for it: filtered and labelled by the ledger, whatever the index believes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import pytest

from catalog.images import delete_images
from catalog.index import CollectionMissing, VectorIndex
from catalog.labels import Decision, ensure_label, record
from catalog.search import NotEmbedded, SearchAnswer, rank_images, search_images, vector_of_image
from catalog.search_filter import SearchFilter
from catalog.sources import delete_source
from tests.catalog.index.made import embeddings, eventually
from tests.catalog.index.world import World


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, index: VectorIndex) -> Iterator[World]:
    """A filled world that no test changes."""
    world = World.make(tmp_path_factory.mktemp("world"), index)
    fill(world)
    yield world
    world.close()


def fill(world: World) -> None:
    """40 pictures of source 1, of which 10 lie in the folder `cats`, and 10 of source 2; all searchable."""
    world.ingest([f"cats/{n}" for n in range(10)] + [f"{n}" for n in range(10, 40)], root="/photos")
    world.ingest([f"other-{n}" for n in range(10)], root="/more", seed=5)
    world.work()
    eventually(lambda: len(ask(world, k=1000).hits), 50)


def ask(world: World, *, query: int = 1, k: int = 60, sha256: str | None = None, **conditions: object) -> SearchAnswer:
    return search_images(
        world.ledger,
        world.index,
        encoder=world.encoder,
        vectors=world.vectors[query],
        k=k,
        filter=SearchFilter(**conditions),  # type: ignore[arg-type]
        query_sha256=sha256,
    )


def ids(answer: SearchAnswer) -> list[int]:
    return [hit.image_id for hit in answer.hits]


def test_the_nearest_come_first_with_labels_and_places(filled: World) -> None:
    answer = ask(filled, k=7, sha256=hashlib.sha256(b"0").hexdigest())
    by_hand = sorted(filled.vectors, key=lambda i: -float(filled.vectors[i] @ filled.vectors[1]))[:7]
    assert ids(answer) == by_hand
    assert not answer.exhausted
    first = answer.hits[0]
    assert (first.image_id, first.own_copy, first.width, first.height) == (1, True, 64, 48)
    assert first.place is not None
    assert (first.place.root, first.place.path) == (b"/photos", b"cats/0")
    assert [(state.name, state.state, state.origin) for state in first.labels] == [("cats", "yes", "folder")]
    assert not any(hit.own_copy for hit in answer.hits[1:])
    assert first.score == pytest.approx(1, abs=1e-3)
    assert set(answer.took_ms) == {"index", "ledger"}
    assert answer.encoder_id == filled.encoder.id


def test_conditions_add_up(filled: World) -> None:
    cats = ensure_label(filled.ledger, "cats")
    assert sorted(ids(ask(filled, label_ids=(cats.id,)))) == list(range(1, 11))
    assert sorted(ids(ask(filled, unlabelled=True))) == list(range(11, 51))
    assert sorted(ids(ask(filled, source_ids=(2,)))) == list(range(41, 51))
    assert ids(ask(filled, source_ids=(2,), label_ids=(cats.id,))) == []
    assert len(ids(ask(filled, source_ids=(1, 2), unlabelled=True))) == 40
    near = ask(filled, min_score=0.8, k=50)
    assert near.exhausted
    assert 0 < len(near.hits) < 50
    assert all(hit.score >= 0.8 for hit in near.hits)


def test_what_is_undecided_of_a_label(world: World) -> None:
    """A hunt's search: neither what is the label nor what is not, nor what is a rival; before the index is told."""
    fill(world)
    cats, dog = ensure_label(world.ledger, "cats").id, ensure_label(world.ledger, "dog").id
    assert sorted(ids(ask(world, undecided=cats))) == list(range(11, 51))
    decisions = [
        Decision(11, cats, "yes"),
        Decision(12, cats, "no"),
        Decision(13, dog, "yes"),
        Decision(5, cats, "unknown"),
    ]
    record(world.ledger, key="k", author="me", decisions=decisions)
    for _ in range(2):
        left = sorted(ids(ask(world, undecided=cats)))
        assert left == [5, *range(13, 51)]
        assert sorted(ids(ask(world, undecided=cats, none_of=(dog,)))) == [5, *range(14, 51)]
        wanted = SearchFilter(undecided=cats)
        ranked = rank_images(
            world.ledger, world.index, encoder=world.encoder, vectors=world.vectors[1], k=16_384, filter=wanted
        )
        assert ranked.tolist() == ids(ask(world, undecided=cats))
        world.work()
        eventually(lambda: world.copy([13])[13][0], [dog])


def test_exhausted_says_whether_more_would_come(filled: World) -> None:
    assert not ask(filled, k=49).exhausted
    assert ask(filled, k=50).exhausted
    assert ask(filled, k=60).exhausted
    cats = ensure_label(filled.ledger, "cats")
    assert not ask(filled, k=9, label_ids=(cats.id,)).exhausted
    assert ask(filled, k=10, label_ids=(cats.id,)).exhausted


def test_the_ledger_decides_before_the_index_is_told(world: World) -> None:
    """Labels, their removal and deletions count at once, though no index worker has run."""
    fill(world)
    dog = ensure_label(world.ledger, "dog")
    cats = ensure_label(world.ledger, "cats")
    record(
        world.ledger,
        key="k",
        author="me",
        decisions=[Decision(20, dog.id, "yes"), Decision(21, dog.id, "yes"), Decision(3, cats.id, "no")],
    )
    assert sorted(ids(ask(world, label_ids=(dog.id,)))) == [20, 21]
    assert 3 not in ids(ask(world, label_ids=(cats.id,)))
    unlabelled = ids(ask(world, unlabelled=True))
    assert 20 not in unlabelled
    assert 3 in unlabelled
    assert world.copy([20]) == {20: ([], [1])}
    delete_images(world.ledger, [1, 20])
    assert sorted(ids(ask(world, label_ids=(dog.id,)))) == [21]
    assert set(ids(ask(world, k=48))) == set(range(1, 51)) - {1, 20}
    world.work()
    assert world.copy([1, 20, 21]) == {21: ([dog.id], [1])}


def test_a_deleted_source_is_not_found(lite_world: World) -> None:
    fill(lite_world)
    delete_source(lite_world.ledger, 2)
    assert sorted(ids(ask(lite_world))) == list(range(1, 41))
    lite_world.work()
    assert lite_world.index.fetch_ids(lite_world.encoder.collection).tolist() == list(range(1, 41))


def test_more_is_asked_for_when_the_ledger_refuses_many(lite_world: World) -> None:
    lite_world.ingest([str(n) for n in range(400)])
    lite_world.work()
    eventually(lambda: len(ask(lite_world, k=1000).hits), 400)
    nearest = ids(ask(lite_world, k=300))
    with lite_world.ledger.write() as connection:  # deleted by someone else, and the index not told
        connection.exec_driver_sql(f"UPDATE image SET deleted_at = 1 WHERE id IN ({','.join(map(str, nearest))})")
    left = ask(lite_world, k=5)
    assert len(left.hits) == 5
    assert not set(ids(left)) & set(nearest)


def test_several_queries_give_each_image_its_best_score(filled: World) -> None:
    queries = np.stack([filled.vectors[1], filled.vectors[45]])
    answer = search_images(filled.ledger, filled.index, encoder=filled.encoder, vectors=queries, k=4)
    assert {1, 45} <= set(ids(answer))
    assert [hit.score for hit in answer.hits] == sorted((hit.score for hit in answer.hits), reverse=True)


def test_bad_arguments(filled: World) -> None:
    for k in (0, 5001):
        with pytest.raises(ValueError, match="k must be"):
            ask(filled, k=k)
    with pytest.raises(ValueError, match="dimensions"):
        search_images(filled.ledger, filled.index, encoder=filled.encoder, vectors=embeddings(1, dimension=8), k=3)


def test_before_the_first_shard_there_is_nothing_and_no_error(world: World) -> None:
    world.ingest(["a", "b"])
    answer = ask(world, query=1)
    assert answer.hits == []
    assert answer.exhausted


def test_an_index_that_was_lost_is_an_error_with_the_remedy(lite_world: World) -> None:
    fill(lite_world)
    lite_world.index.drop(lite_world.encoder.collection)
    with pytest.raises(CollectionMissing, match="doctor --repair"):
        ask(lite_world)


def test_the_vector_of_an_image(filled: World) -> None:
    for image_id in (1, 17, 50):
        vector = vector_of_image(filled.ledger, filled.store, encoder_id=filled.encoder.id, image_id=image_id)
        assert np.array_equal(vector, filled.vectors[image_id])
    with pytest.raises(NotEmbedded, match="999"):
        vector_of_image(filled.ledger, filled.store, encoder_id=filled.encoder.id, image_id=999)
