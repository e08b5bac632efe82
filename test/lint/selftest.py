#!/usr/bin/env python3
"""The checks find what they are made to find, and nothing else."""
import os
import shutil
import sys
import tempfile
import unittest

import format as formatting
import headers
import includes
import patterns
import words


class Lint(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)

    def test_an_include_may_only_point_up_the_table(self):
        self.write("specs/meta/a.h", "#pragma once\n")
        self.write("specs/codec/b.h", '#include "specs/meta/a.h"\n')
        self.write("controller/c.h", '#include "specs/codec/b.h"\n')
        self.write("controller/main.cc", '#include "controller/c.h"\n')
        self.assertEqual(includes.check(self.root), [])
        self.write("specs/meta/bad.cc", '#include "specs/meta/a.h"\n#include "specs/codec/b.h"\n')
        self.write("reconcilers/x/bad.cc", '#include "apis/docker/d.h"\n')
        self.write("apis/docker/d.h", "#pragma once\n")
        self.write("webhooks/bad.cc", '#include "controller/c.h"\n')
        self.write("cli/bad.cc", '#include "controller/c.h"\n#include "specs/none.h"\n')
        found = "\n".join(includes.check(self.root))
        for place in ("specs/meta/bad.cc:2", "reconcilers/x/bad.cc:1", "webhooks/bad.cc:1", "cli/bad.cc:1", "cli/bad.cc:2"):
            self.assertIn(place + ":", found)
        self.assertEqual(found.count("\n") + 1, 5)

    def test_vendor_headers_stay_in_their_folders_and_out_of_shared_headers(self):
        self.write("apis/docker/ok.cc", '#include <curl/curl.h>\n#include "apis/docker/private.h"\n')
        self.write("apis/docker/private.h", "#include <curl/curl.h>\n")
        self.write("test/t.cc", "#include <gtest/gtest.h>\n")
        self.assertEqual(includes.check(self.root), [])
        self.write("specs/codec/bad.cc", "#include <curl/curl.h>\n")
        self.write("apis/docker/through.h", '#include "apis/docker/private.h"\n')
        self.write("apis/server/bad.cc", '#include "apis/docker/through.h"\n')
        found = includes.check(self.root)
        self.assertEqual(len(found), 2, found)
        self.assertIn("apis/server/bad.cc:1", "\n".join(found))

    def test_a_header_must_compile_alone(self):
        stamps = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, stamps)
        command = [os.environ.get("CXX", "g++"), "-std=c++20", "-fsyntax-only", "-I", self.root]
        self.write("specs/ok.h", "#pragma once\nstruct A {};\n")
        self.assertEqual(headers.check(self.root, stamps, command), [])
        self.write("specs/needs.h", "#pragma once\nstruct B : A {};\n")
        self.write("specs/twice.h", "struct C {};\n")
        found = "\n".join(headers.check(self.root, stamps, command))
        self.assertIn("specs/needs.h:1", found)
        self.assertIn("specs/twice.h:1: no #pragma once", found)
        self.assertNotIn("specs/ok.h:1", found)
        self.write("specs/needs.h", '#pragma once\n#include "specs/ok.h"\nstruct B : A {};\n')
        self.write("specs/twice.h", "#pragma once\n")
        self.assertEqual(headers.check(self.root, stamps, command), [])
        self.write("specs/ok.h", "#pragma once\nstruct Other {};\n")
        self.write("specs/built.h", "#pragma once\nno C++")
        self.write("specs/built.cc", '#include "specs/built.h"\n')
        self.assertNotIn("specs/built.h", "\n".join(headers.check(self.root, stamps, command)))
        self.write("specs/built.cc", '#include <string>\n#include "specs/built.h"\n')
        self.assertIn("specs/built.h:1", "\n".join(headers.check(self.root, stamps, command)))
        self.assertIn("specs/needs.h:1", "\n".join(headers.check(self.root, stamps, command)))

    def test_words_and_readmes(self):
        self.write("specs/README.md", "# specs\n")
        self.write("specs/a.cc", "int a;\n")
        self.write("test/unit/README.md", "# unit\n")
        self.write("test/unit/specs/a.cc", "int a;  // /workspace and XXXL are words\n")
        self.assertEqual(words.check(self.root), [])
        self.write("specs/a.cc", "int a;  // TO" + "DO\n// see /wo" + "rk/main/x\n")
        self.write("apis/b.cc", "int b;\n")
        self.write("specs/README.md", "line\n" * 16)
        found = "\n".join(words.check(self.root))
        for place in ("specs/a.cc:1", "specs/a.cc:2", "apis/README.md:1", "specs/README.md:16"):
            self.assertIn(place + ":", found)
        self.assertEqual(found.count("\n") + 1, 4)

    def test_format(self):
        clang_format = formatting.program()
        if clang_format is None:
            self.skipTest("clang-format 14 is not installed")
        self.write(".clang-format", "BasedOnStyle: Google\n")
        self.write("specs/a.cc", "int a = 1;\n")
        self.write("specs/b.cc", "int   b=1;\n")
        found = formatting.check(self.root, clang_format)
        self.assertEqual(len(found), 1)
        self.assertIn("specs/b.cc:1", found[0])

    def test_patterns_are_all_there_and_named_tests_exist(self):
        self.write("test/sim/patterns_a_test.cc",
                   "".join(f"TEST_F(A, T{n:02}_Holds) {{}}\n" for n in range(1, 45)))
        self.write("test/sim/patterns.md", "| T45 | Elsewhere | test/b_test.cc |\n")
        self.write("test/b_test.cc", "TEST(B, Elsewhere) {}\n")
        self.assertEqual(patterns.check(self.root), [])
        self.write("test/b_test.cc", "TEST(B, Renamed) {}\n")
        self.assertEqual(patterns.check(self.root),
                         ["test/sim/patterns.md:1: test/b_test.cc has no test Elsewhere",
                          "test/sim/patterns.md: T45 has no test"])


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
