"""Which of a machine's apt sources the lab takes: only Debian's main archive, in every form it is written in."""

from dataclasses import replace
from pathlib import Path

import pytest

from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.sources import debian_archives


def etc_apt(folder: Path, **files: str) -> Path:
    """Write `sources.list` (name `main`) and files of `sources.list.d` (`a_list` -> `a.list`)."""
    (folder / "sources.list.d").mkdir(parents=True)
    for name, text in files.items():
        path = "sources.list" if name == "main" else f"sources.list.d/{name.replace('_', '.')}"
        (folder / path).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("uri", "is_taken"),
    [
        ("http://mirror.test/debian", True),
        ("https://mirror.test/debian/", True),
        ("file:///srv/mirror/debian", True),
        ("https://snapshot.test/archive/debian/20260101T000000Z", True),
        ("http://mirror.test/debian-security", False),
        ("https://packages.test/apt", False),
        ("https://mirror.test/ubuntu", False),
    ],
)
def test_sources_of_one_line_form_only_main_archives_are_taken(tmp_path: Path, uri: str, is_taken: bool) -> None:
    folder = etc_apt(tmp_path, main=f"deb-src {uri} x main\ndeb [arch=amd64] {uri} bookworm main contrib # note\n")
    if is_taken:
        (archive,) = debian_archives(folder)
        assert (archive.uri, archive.suite) == (uri, "bookworm")
        assert archive.line("sid").endswith(f"{uri} sid main\n")
    else:
        with pytest.raises(PeerUnavailableError, match="no Debian archive"):
            debian_archives(folder)


def test_sources_of_deb822_form_give_first_suite_key_and_trust(tmp_path: Path) -> None:
    text = (
        "Types: deb\n# a comment\nURIs: http://mirror.test/debian\nSuites: trixie trixie-updates\n"
        "Components: main\nSigned-By: /usr/share/keyrings/some.gpg\nTrusted: yes\n"
        "\nTypes: deb\nURIs: http://other.test/debian\nSuites: trixie\nComponents: main\nEnabled: no\n"
        "\nTypes: deb\nURIs: http://third.test/debian\nSuites: stable\nComponents: contrib\n"
    )
    (archive,) = debian_archives(etc_apt(tmp_path, debian_sources=text))
    assert archive.line("sid") == (
        "deb [signed-by=/usr/share/keyrings/some.gpg trusted=yes] http://mirror.test/debian sid main\n"
    )
    assert archive.suite == "trixie"


def test_sources_with_a_snapshot_and_a_live_mirror_try_the_live_one_first(tmp_path: Path) -> None:
    folder = etc_apt(
        tmp_path,
        main="deb http://s.test/debian/20250101T000000Z bookworm main\n",
        live_list="deb http://m.test/debian bookworm main\ndeb http://m.test/debian bookworm-updates main\n",
    )
    assert [archive.uri for archive in debian_archives(folder)] == [
        "http://m.test/debian",
        "http://s.test/debian/20250101T000000Z",
    ]


def test_sources_naming_a_mirror_file_are_followed_into_it(tmp_path: Path) -> None:
    mirrors = tmp_path / "mirrors.txt"
    mirrors.write_text("# ours\nhttp://m.test/debian\tpriority:1\n", encoding="utf-8")
    folder = etc_apt(tmp_path / "apt", main=f"deb mirror+file:{mirrors} bookworm main\n")
    assert debian_archives(folder)[0].uri == "http://m.test/debian"


@pytest.mark.parametrize(
    "files",
    [
        {"main": "deb [check-valid-until=no] http://s.test/debian bookworm main\n"},
        {"s_sources": "Types: deb\nURIs: http://s.test/debian\nSuites: sid\nComponents: main\nCheck-Valid-Until: no\n"},
    ],
)
def test_source_whose_owner_takes_expired_lists_is_asked_the_same_way(tmp_path: Path, files: dict[str, str]) -> None:
    (archive,) = debian_archives(etc_apt(tmp_path, **files))
    assert "check-valid-until=no" in archive.line("sid")
    assert "check-valid-until" not in replace(archive, takes_expired=False).line("sid")
