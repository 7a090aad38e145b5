from __future__ import annotations

import ctypes.util
import platform
from importlib.metadata import PackageNotFoundError

import pytest

from emolive.errors import ProviderError
from emolive.inference import providers
from emolive.inference.providers import CPU, CUDA, Host, choose, installed_packages

GPU = Host((CUDA, CPU), ("onnxruntime-gpu",), None)
NO_DRIVER = Host((CUDA, CPU), ("onnxruntime-gpu",), "no NVIDIA driver was found (libcuda.so.1)")
CPU_BUILD = Host((CPU,), ("onnxruntime",), None)
BOTH = Host((CUDA, CPU), ("onnxruntime", "onnxruntime-gpu"), None)


def names(choice: providers.Choice) -> list[str]:
    return [name for name, _ in choice.providers]


def test_auto_takes_cuda_first_where_there_is_a_gpu() -> None:
    choice = choose("auto", GPU)
    assert names(choice) == [CUDA, CPU]
    assert choice.cuda
    assert choice.note is None


@pytest.mark.parametrize(
    ("host", "word"), [(NO_DRIVER, "no NVIDIA driver"), (CPU_BUILD, "built without it")]
)
def test_auto_takes_the_cpu_and_says_why(host: Host, word: str) -> None:
    choice = choose("auto", host)
    assert names(choice) == [CPU]
    assert not choice.cuda
    assert choice.note is not None
    assert word in choice.note


@pytest.mark.parametrize(
    ("host", "word"), [(NO_DRIVER, "no NVIDIA driver"), (CPU_BUILD, "built without it")]
)
def test_cuda_that_cannot_be_is_an_error_with_the_way_out(host: Host, word: str) -> None:
    with pytest.raises(ProviderError, match=word) as caught:
        choose("cuda", host)
    assert "pip install 'emolive[gpu]'" in str(caught.value)
    assert "driver" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("host", [GPU, NO_DRIVER, CPU_BUILD])
def test_cpu_is_just_that(host: Host) -> None:
    choice = choose("cpu", host)
    assert names(choice) == [CPU]
    assert choice.note is None


def test_two_packages_are_explained() -> None:
    for requested in ("auto", "cpu"):
        choice = choose(requested, BOTH)  # type: ignore[arg-type]
        assert names(choice) == [CPU]
        assert choice.note is not None
        assert "pip uninstall -y onnxruntime onnxruntime-gpu" in choice.note
    with pytest.raises(ProviderError, match="overwrite each other") as caught:
        choose("cuda", BOTH)
    assert "pip uninstall" in str(caught.value)


def test_installed_packages_are_asked_by_name() -> None:
    def version_of(package: str) -> str:
        if package in ("onnxruntime", "onnxruntime-gpu"):
            return "1.31.1"
        raise PackageNotFoundError(package)

    assert installed_packages(version_of) == ("onnxruntime", "onnxruntime-gpu")


def test_this_machine_has_one_package() -> None:
    assert len(installed_packages()) == 1
    assert CPU in Host.inspect().available


# the driver


def test_no_driver() -> None:
    problem = providers.driver_problem("libsurely-not-there.so.7")
    assert problem == "no NVIDIA driver was found (libsurely-not-there.so.7)"


@pytest.mark.skipif(ctypes.util.find_library("m") is None, reason="no maths library to mistake")
def test_another_library_is_no_driver() -> None:
    problem = providers.driver_problem(ctypes.util.find_library("m"))
    assert problem is not None
    assert "is not an NVIDIA driver" in problem


def test_a_system_without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert providers.driver_problem() == "there is no CUDA for Darwin"


class FakeDriver:
    """The two functions of the driver that are asked."""

    def __init__(self, code: int, gpus: int) -> None:
        self._code = code
        self._gpus = gpus

    def cuInit(self, flags: int) -> int:  # noqa: N802
        assert flags == 0
        return self._code

    def cuDeviceGetCount(self, count: object) -> int:  # noqa: N802
        pointer = ctypes.cast(count, ctypes.POINTER(ctypes.c_int))  # type: ignore[arg-type]
        pointer[0] = self._gpus
        return 0


@pytest.mark.parametrize(
    ("code", "gpus", "problem"),
    [
        (0, 1, None),
        (0, 0, "the NVIDIA driver offers no GPU (code 0)"),
        (100, 0, "the NVIDIA driver offers no GPU (code 100)"),
    ],
)
def test_the_driver_is_asked_for_gpus(
    monkeypatch: pytest.MonkeyPatch, code: int, gpus: int, problem: str | None
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: FakeDriver(code, gpus))
    assert providers.driver_problem("libcuda.so.1") == problem


def test_the_cpu_leaves_the_driver_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash() -> str | None:
        raise AssertionError("asked")

    monkeypatch.setattr(providers, "driver_problem", crash)
    assert choose("cpu", Host.inspect(ask_driver=False)).note is None


# preloading


def test_complaints_of_preloading_do_not_reach_standard_output(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def preload_dlls() -> None:
        print("Failed to load libcublasLt.so.13: no such file")  # noqa: T201
        print("Please follow https://onnxruntime.ai/ to install CUDA.")  # noqa: T201

    monkeypatch.setattr(providers.onnx_runtime(), "preload_dlls", preload_dlls)
    assert providers.preload_cuda() == "Failed to load libcublasLt.so.13: no such file"
    monkeypatch.setattr(providers.onnx_runtime(), "preload_dlls", lambda: None)
    assert providers.preload_cuda() is None
    assert capfd.readouterr() == ("", "")
