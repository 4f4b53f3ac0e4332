"""Run as a process of its own, so that it can be ended: report.typ and data from standard input become a PDF.

A script, not a module: nothing of ours is imported. Its arguments are the folder of ``report.typ`` and of the
typefaces, the moment the document bears (seconds since 1970), and how much memory it may take, in bytes.
"""

import resource
import sys
from pathlib import Path

import typst


def main() -> None:
    folder, moment, memory = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    made = typst.compile(
        str(folder / "report.typ"),
        root=str(folder),
        font_paths=[str(folder / "fonts")],
        ignore_system_fonts=True,
        sys_inputs={"report": sys.stdin.buffer.read().decode()},
        pdf_standards=["a-2b"],
        timestamp=moment,
    )
    sys.stdout.buffer.write(made)


main()
