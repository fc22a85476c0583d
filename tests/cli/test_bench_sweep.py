"""The benchmark of sweeps runs, compares equal work, and leaves a server's database without its tables."""

from privacy.adapters.databases.target import open_target
from privacy.cli import bench_sweep


def test_a_sweep_is_compared_on_a_file_and_on_a_server(empty_url: str) -> None:
    ratios = bench_sweep.run("" if empty_url.startswith("sqlite") else empty_url, rows=2_000)
    assert {ratio.name.partition(", ")[0] for ratio in ratios} == {"sweep"} and all(ratio.ratio > 0 for ratio in ratios)
    if not empty_url.startswith("sqlite"):
        assert len(ratios) == 4
        target = open_target(empty_url, write=False)
        assert dict(target.shapes()) == {}
        target.close()
