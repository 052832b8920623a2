"""User code is named as a module or a file, is imported once, and each mistake is one line."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.load_object import LONGEST_SOURCE, Wanted, load_object, names_file, names_user_code

Write = Callable[[str, str], Path]

DEVICE = Wanted("device", lambda kind: getattr(kind, "is_device", False))
CAMERA = "class Camera:\n    is_device = True\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a file below the current folder. Its module is forgotten at the end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = {*sys.modules}

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    yield write
    for each in {*sys.modules} - before:
        del sys.modules[each]


def refusal(name: str, wanted: Wanted | None = None) -> str:
    """Return the one line that refuses a name, without the name."""
    with pytest.raises(ConfigurationError) as raised:
        load_object(name, wanted)
    text = str(raised.value)
    assert 1 == len(text.splitlines())
    assert text.startswith(name)
    return text.removeprefix(name).removeprefix(":").strip()


@pytest.mark.parametrize(
    ("name", "of_user", "file"),
    [
        ("modbus", False, False),
        ("camera:Camera", True, False),
        ("camera.py:Camera", True, False),
        ("camera.py", True, True),
        (r"C:\work\camera.py", True, True),
        (r"C:\work\camera.py:Camera", True, False),
        ("C:/work/camera.py", True, True),
    ],
)
def test_a_name_is_that_of_a_file_or_of_user_code(name: str, of_user: bool, file: bool) -> None:
    assert (of_user, file) == (names_user_code(name), names_file(name))


class TestFile:
    """A file is a module like any other, and Python has it once."""

    def test_it_is_registered_so_that_its_objects_are_pickled(self, write: Write) -> None:
        path = write("cell/load_camera.py", CAMERA)

        kind = load_object(f"{path}:Camera")

        assert "load_camera" == kind.__module__
        assert kind is sys.modules["load_camera"].Camera
        assert type(pickle.loads(pickle.dumps(kind()))) is kind

    def test_the_modules_beside_it_can_be_imported(self, write: Write) -> None:
        write("cell/load_lens.py", "FOCUS = 50\n")
        write("cell/load_camera.py", "from load_lens import FOCUS\n")

        assert 50 == load_object("cell/load_camera.py:FOCUS")

    def test_two_names_of_one_file_are_one_module(self, write: Write) -> None:
        path = write("load_camera.py", CAMERA)

        kinds = {load_object(f"{each}:Camera") for each in (path, "load_camera.py", "load_camera")}

        assert 1 == len(kinds)

    def test_a_file_in_a_package_is_a_module_of_the_package(self, write: Write) -> None:
        write("load_plant/__init__.py", "")
        write("load_plant/names.py", "LINE = 'A'\n")
        write("load_plant/camera.py", "from .names import LINE\nfrom load_plant import names\n" + CAMERA)

        kind = load_object("load_plant/camera.py:Camera")

        assert "load_plant.camera" == kind.__module__
        assert kind is load_object("load_plant.camera:Camera")

    def test_the_folder_of_a_package_hides_no_standard_module(self, write: Write) -> None:
        write("load_plant/__init__.py", "")
        write("load_plant/colorsys.py", "raise ValueError('the wrong module')\n")
        write("load_plant/camera.py", "import colorsys\nfrom sibling_of_camera import X\n")
        write("load_plant/sibling_of_camera.py", "X = 1\n")

        assert 1 == load_object("load_plant/camera.py:X")

    def test_a_file_that_was_imported_under_another_name_is_not_imported_again(self, write: Write) -> None:
        write("load_cell/camera_of_cell.py", CAMERA)  # a folder without __init__.py is a package, too

        by_module = load_object("load_cell.camera_of_cell:Camera")
        by_file = load_object("load_cell/camera_of_cell.py:Camera")

        assert by_module is by_file

    def test_a_module_that_was_imported_as_a_file_is_not_imported_again(self, write: Write) -> None:
        write("load_cell/camera_of_cell.py", CAMERA)

        by_file = load_object("load_cell/camera_of_cell.py:Camera")
        by_module = load_object("load_cell.camera_of_cell:Camera")

        assert by_file is by_module
        assert by_file is import_module("load_cell.camera_of_cell").Camera

    def test_a_module_that_is_written_after_the_folder_was_searched_is_found(self, write: Write) -> None:
        write("load_first.py", "X = 1\n")
        load_object("load_first:X")
        write("load_second.py", "X = 2\n")

        assert 2 == load_object("load_second:X")


class TestFileAlone:
    """A file without a name stands for the one class in it that can be meant."""

    @pytest.mark.parametrize(
        "source",
        [
            CAMERA,
            "from load_base import Base\n" + CAMERA,
            CAMERA + "class Position: pass\nclass _Own(Camera): pass\nother = Camera()\n",
            CAMERA + "Alias = Camera\n",
        ],
        ids=["alone", "beside an imported one", "beside others", "with two names"],
    )
    def test_the_only_class_is_found(self, write: Write, source: str) -> None:
        write("load_base.py", "class Base:\n    is_device = True\n")
        write("load_camera.py", source)

        assert "Camera" == load_object("load_camera.py", DEVICE).__name__

    def test_a_declaration_with_its_implementation_is_one(self, write: Write) -> None:
        write("load_camera.py", f"{CAMERA}\nclass MyCamera(Camera): pass\n")

        assert "MyCamera" == load_object("load_camera.py", DEVICE).__name__

    def test_several_are_listed(self, write: Write) -> None:
        write("load_camera.py", f"{CAMERA}class Scale:\n    is_device = True\n")

        assert (
            "the file has 2 classes that can be meant: Camera, Scale; name one, as in load_camera.py:Camera"
        ) == refusal("load_camera.py", DEVICE)

    def test_without_one_the_other_classes_are_listed(self, write: Write) -> None:
        write("load_camera.py", "class Position: pass\n")
        write("load_nothing.py", "x = 1\n")

        assert (
            "the file defines no device; its classes: Position. To use another object, name it, as in "
            "load_camera.py:my_name"
        ) == refusal("load_camera.py", DEVICE)
        told = refusal("load_nothing.py", DEVICE)
        assert told.startswith("the file defines no device; it defines no class.")

    def test_where_no_kind_is_wanted_a_name_is_needed(self, write: Write) -> None:
        write("load_camera.py", CAMERA)

        expected = "name the object behind the file, as in load_camera.py:my_name"
        assert expected == refusal("load_camera.py")


class TestMistakes:
    """Each mistake is one line that says what to do."""

    def test_a_file_that_does_not_exist(self, write: Write) -> None:
        write("load_camera.py", CAMERA)

        expected = "there is no file load_camrea.py; did you mean load_camera.py?"
        assert expected == refusal("load_camrea.py:Camera")
        assert "there is no file scale.py" == refusal("scale.py:Scale")
        expected = "there is no file {0}, because there is no folder cell"
        assert expected.format(Path("cell/scale.py")) == refusal("cell/scale.py:Scale")

    @pytest.mark.parametrize("name", ["./cell:Camera", "cell.py:Camera", "cell.py"])
    def test_a_folder(self, write: Write, name: str) -> None:
        write("cell/load_camera.py", CAMERA)
        write("cell.py/load_camera.py", CAMERA)

        assert "is a folder: name a file in it, such as cell" in refusal(name, DEVICE)

    def test_a_misspelt_module(self, write: Write) -> None:
        write("load_camera.py", CAMERA)

        expected = (
            "cannot import load_camrea: ModuleNotFoundError: No module named 'load_camrea'; did you mean "
            "load_camera?"
        )
        assert expected == refusal("load_camrea:Camera")

    def test_a_misspelt_name(self, write: Write) -> None:
        write("load_camera.py", f"{CAMERA}my_camera = Camera()\n")

        assert "load_camera has no Camrea; did you mean Camera?" == refusal("load_camera.py:Camrea")
        assert "load_camera has no my_camra; did you mean my_camera?" == refusal("load_camera:my_camra")

    def test_a_failing_import_is_shown_with_its_line(self, write: Write) -> None:
        lens = write("load_lens.py", "FOCUS = 50\nZOOM = FOCUS / 0\n")
        write("load_camera.py", "import load_lens\n")

        assert (
            "cannot import load_camera: ZeroDivisionError: division by zero "
            f"({lens}, line 2: ZOOM = FOCUS / 0)"
        ) == refusal("load_camera.py:Camera")

    def test_a_syntax_error_is_shown_with_its_line(self, write: Write) -> None:
        path = write("load_camera.py", "x = 1\nclass Camera\n    pass\n")

        told = refusal("load_camera.py:Camera")

        assert told.startswith("cannot import load_camera: SyntaxError: ")
        assert told.endswith(f"({path}, line 2: class Camera)")

    def test_a_long_line_of_source_is_cut(self, write: Write) -> None:
        write("load_camera.py", f"x = 1 / 0  # {'long ' * 100}\n")

        shown = refusal("load_camera.py:x").partition("line 1: ")[2]

        assert shown.startswith("x = 1 / 0 # long long")
        assert shown.endswith("…)")
        assert LONGEST_SOURCE == len(shown) - 1

    def test_a_mended_file_is_imported_again(self, write: Write) -> None:
        write("load_camera.py", "x = 1 / 0\n")
        refusal("load_camera.py:x")
        write("load_camera.py", "x = 1\n")

        assert 1 == load_object("load_camera.py:x")
