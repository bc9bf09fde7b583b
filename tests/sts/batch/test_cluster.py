"""The same function on a Dask cluster, whose two processes open the keys for themselves."""

from __future__ import annotations

import logging
import pickle
from typing import TYPE_CHECKING

import dask.bag
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import Client, LocalCluster

from sts.batch.dask_bag import over_bag
from sts.batch.files import Job, run_job
from sts.batch.opening import OpenedBefore, OpenedByFile
from sts.batch.source import ModuleSource, map_batches
from sts.errors import FileInvalid, KeyFileInvalid, SealNotOpened
from sts.keys.key_file import load_key_file
from sts.keys.sealed_file import parse_sealed_key_file
from tests.house_rules.tree import ROOT
from tests.sts.batch.batch_support import table_of
from tests.sts.batch.test_plain_kernels import row
from tests.support.sealed_keys import KEY, by_key, sealed

if TYPE_CHECKING:
    from pathlib import Path

KEYS = load_key_file(ROOT / "keys.example")
SECRETS = [KEY, *(key.octets.hex() for key in KEYS)]
ROWS_A_PARTITION = 300


@pytest.fixture
def source(tmp_path: Path) -> ModuleSource:
    """Give keys as workers get them: sealed, with a file of theirs that opens them."""
    (tmp_path / "keys.sealed").write_text(sealed(KEYS))
    opens = tmp_path / "keys.key"
    opens.touch(mode=0o600)
    opens.write_text(KEY)
    return ModuleSource(tmp_path / "keys.sealed", load_keys=OpenedByFile(opens))


def rows() -> pa.Table:
    changes = [
        row("123457", ea="11", tariff_index=f"{number % 100:02}", new_key_revision_number=2)
        for number in range(4 * ROWS_A_PARTITION)
    ]
    changes[7]["pan"] = "600727000000000008"
    return table_of(changes)


def partitions(table: pa.Table) -> dask.bag.Bag:
    parts = [
        table.slice(start, ROWS_A_PARTITION) for start in range(0, len(table), ROWS_A_PARTITION)
    ]
    batches = [part.combine_chunks().to_batches()[0] for part in parts]
    return dask.bag.from_sequence(batches, npartitions=4)


@pytest.mark.costly
def test_four_partitions_on_two_workers_give_the_file_of_one_process(
    tmp_path: Path, source: ModuleSource, caplog: pytest.LogCaptureFixture
) -> None:
    table = rows()
    pq.write_table(table, tmp_path / "in.parquet")
    alone = Job("change_key", source, tmp_path / "in.parquet", tmp_path / "alone.parquet")
    run_job(alone, lambda *_: None)
    bag = over_bag(partitions(table), source=source, operation="change_key")
    assert bag.npartitions == 4
    with (
        caplog.at_level(logging.DEBUG),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            local_directory=tmp_path / "workers",
        ) as cluster,
        Client(cluster) as client,
    ):
        assert len(client.scheduler_info()["workers"]) == 2
        batches = client.compute(bag).result(timeout=60)
        logs = str(client.get_worker_logs())
    pq.write_table(pa.Table.from_batches(batches), tmp_path / "cluster.parquet")
    by_cluster = pq.read_table(tmp_path / "cluster.parquet")
    assert by_cluster.equals(pq.read_table(tmp_path / "alone.parquet"))
    assert by_cluster["error"].drop_null().to_pylist() == ["check_digit_wrong"]
    for secret in SECRETS:
        assert secret not in logs.lower()
        assert secret not in caplog.text.lower()


def test_what_travels_to_a_worker_holds_no_key(source: ModuleSource) -> None:
    source.module()
    travels = pickle.dumps(over_bag(partitions(rows()), source=source, operation="issue"))
    for secret in SECRETS:
        assert bytes.fromhex(secret) not in travels
        assert secret.encode() not in travels


def _can_issue(source: ModuleSource) -> None:
    travelled = pickle.loads(pickle.dumps(source))  # noqa: S301 (our own)
    (batch,) = rows().slice(0, 2).to_batches()
    (answer,) = map_batches([batch], source=travelled, operation="issue")
    assert answer.num_rows == 2
    assert answer["token"].null_count == 0


def test_a_source_that_has_travelled_opens_its_keys(source: ModuleSource) -> None:
    _can_issue(source)
    _can_issue(ModuleSource(ROOT / "keys.example", load_keys=load_key_file))
    file = parse_sealed_key_file(source.keys_path.read_text(), path="keys")
    opened = OpenedBefore(file.key_for(by_key()))
    assert KEY not in repr(opened).lower()
    _can_issue(ModuleSource(source.keys_path, load_keys=opened))


def test_keys_that_are_not_opened_are_refused(source: ModuleSource, tmp_path: Path) -> None:
    (tmp_path / "keys.key").write_text(KEY[::-1])
    with pytest.raises(SealNotOpened):
        source.module()
    (tmp_path / "keys.key").chmod(0o644)
    with pytest.raises(FileInvalid, match="others may read it"):
        source.module()
    (tmp_path / "keys.sealed").write_bytes((ROOT / "keys.example").read_bytes())
    with pytest.raises(KeyFileInvalid):
        source.load_keys(source.keys_path)
