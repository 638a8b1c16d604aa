"""Running a generator's graph: bits, batches, threads, pickling."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from gansynth.inference import noise
from gansynth.inference.generator import ROWS, Generator

from . import onnx_graphs as graphs


@pytest.fixture(scope="module")
def generator():
    """An MLP of 3x256 on the CPU."""
    return Generator(graphs.mlp(), "cpu")


@pytest.fixture(scope="module")
def z():
    """Noise of 3000 rows."""
    return noise.normal(0, 0, 3000, 128)


@pytest.fixture(scope="module")
def everything(generator, z):
    """Outputs of all rows in one call."""
    return generator(z)


def assert_same_bits(outputs, expected, rows):
    """Outputs equal these rows of the expected ones to the bit."""
    assert outputs.keys() == expected.keys()
    for name, values in outputs.items():
        assert values.dtype == expected[name].dtype
        assert values.tobytes() == expected[name][rows].tobytes(), name


def test_describes_its_graph(generator):
    """Width of the noise, conditioning and output names are read from the graph."""
    assert generator.noise_dim == 128
    assert not generator.conditional
    assert generator.output_names == ["rows", "softplus", "log", "tanh64", "sum", "sum_z", "code"]
    assert Generator(graphs.table(conditional=True)).conditional


def test_computes_the_graph(everything, z):
    """Outputs are what numpy makes of the same weights, in the graph's dtypes."""
    rows = z.astype(np.float64)
    *hidden, last = graphs.mlp_weights(256, 37)
    for weight in hidden:
        rows = rows @ weight
        rows = np.where(rows > 0, rows, 0.2 * rows)
    rows = rows @ last
    np.testing.assert_allclose(everything["rows"], rows, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(everything["tanh64"], np.tanh(rows), atol=1e-4)
    assert everything["rows"].dtype == np.float32
    assert everything["tanh64"].dtype == np.float64
    assert everything["code"].dtype == np.int64
    assert everything["code"].shape == (3000,)


@pytest.mark.parametrize("n", [1, 2, 7, 16, 17, 100, 256, 1000, 1023, 2500])
def test_a_row_has_the_same_bits_in_any_batch(generator, z, everything, n):
    """The first n rows of a call for n and of a call for 3000 are equal to the bit."""
    assert_same_bits(generator(z[:n]), everything, slice(0, n))


@pytest.mark.parametrize("threads", ["1", "2", "3", "64", "many"])
def test_a_row_has_the_same_bits_on_any_number_of_threads(
    generator, z, everything, threads, monkeypatch
):
    """OMP_NUM_THREADS changes how rows are shared out, not what they are."""
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    assert_same_bits(generator(z), everything, slice(None))


@pytest.mark.parametrize("start", [ROWS, 5 * ROWS, 1024, 1024 + ROWS])
def test_a_call_can_go_on_where_another_stopped(generator, z, everything, start):
    """From any multiple of ROWS on, rows have the bits that one call for all gives them."""
    assert_same_bits(generator(z[start : start + 77]), everything, slice(start, start + 77))


def test_where_the_noise_lies_in_memory_does_not_matter(generator, z, everything):
    """Noise that is strided, or starts at any address, gives the same bits."""
    memory = np.empty(100 * 128 * 4 + 64, np.uint8)
    for offset in range(0, 64, 4):
        moved = memory[offset : offset + 100 * 128 * 4].view(np.float32).reshape(100, 128)
        moved[:] = z[:100]
        assert_same_bits(generator(moved), everything, slice(0, 100))
    assert_same_bits(generator(np.asfortranarray(z[:100])), everything, slice(0, 100))


def test_no_rows_have_shapes_and_dtypes(generator, everything):
    """Zero rows give empty outputs of the usual shapes and dtypes."""
    for name, values in generator(np.empty((0, 128), np.float32)).items():
        assert values.shape == (0, *everything[name].shape[1:])
        assert values.dtype == everything[name].dtype


@pytest.mark.parametrize("n", [0, 1, 33, 2000])
def test_class_codes_reach_the_graph(n):
    """A conditional generator is given each row's own class, of whatever integer dtype."""
    y = (np.arange(n) % 5).astype(np.int32)
    z = noise.normal(0, 0, n, 3)
    outputs = Generator(graphs.table(conditional=True), "cpu")(z, y)
    assert outputs["colour"].tolist() == y.tolist()
    assert np.array_equal(outputs["height"], z[:, 0])


@pytest.mark.parametrize(
    ("graph", "most"),
    [(graphs.linear(), 1024), (graphs.images(8, 8, 1), 1024), (graphs.images(64, 64, 3), ROWS)],
)
def test_noise_is_asked_for_in_batches(graph, most):
    """However many rows, noise is made for one batch at a time, smaller for large images."""
    generator = Generator(graph, "cpu")
    asked = []

    def draw(start, stop):
        asked.append((start, stop))
        return noise.normal(0, start, stop, generator.noise_dim)

    generator.generate(5000, draw)
    asked.sort()
    assert max(stop - start for start, stop in asked) == most
    assert [start for start, _ in asked[1:]] == [stop for _, stop in asked[:-1]]
    assert (asked[0][0], asked[-1][1]) == (0, 5000)


def test_an_error_in_a_thread_is_raised(generator):
    """What goes wrong while rows are made comes up, not a result with holes."""

    def draw(start, stop):
        if start > 0:
            raise MemoryError("no memory for noise")
        return noise.normal(0, start, stop, 128)

    with pytest.raises(MemoryError, match="no memory for noise"):
        generator.generate(5000, draw)


def test_a_pickle_holds_the_model_only(generator, z, everything):
    """A generator that has run can be pickled, is no larger for it, and gives the same bits."""
    data = pickle.dumps(generator)
    assert len(data) < len(generator.model) + 1000
    assert_same_bits(pickle.loads(data)(z[:10]), everything, slice(0, 10))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_can_go_on(generator, z, everything):
    """A process forked after use generates too: no thread is left behind in the parent."""
    child = os.fork()
    if child == 0:
        same = generator(z)["log"].tobytes() == everything["log"].tobytes()
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda"])
def test_nothing_is_printed(device, tmp_path):
    """ONNX Runtime's looking for a GPU leaves no trace on stdout or stderr."""
    (tmp_path / "model.onnx").write_bytes(graphs.linear())
    program = """
        import sys
        from pathlib import Path
        import numpy as np
        from gansynth.inference.generator import Generator

        try:
            Generator(Path("model.onnx").read_bytes(), sys.argv[1])(np.zeros((3, 2), np.float32))
        except RuntimeError:
            assert sys.argv[1] == "cuda"
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), device],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("first", [1, 5, 16, 37, 199, 200])
def test_a_call_goes_on_where_another_stopped(first):
    """A row's place in memory decides how sums round: it has to be the one of a whole call."""
    generator = Generator(graphs.mlp(), "cpu")
    z = np.random.default_rng(0).standard_normal((200, generator.noise_dim)).astype(np.float32)
    rest = generator.generate(200 - first, lambda a, b: z[first + a : first + b], first=first)
    for name, values in generator(z).items():
        np.testing.assert_array_equal(rest[name], values[first:])
