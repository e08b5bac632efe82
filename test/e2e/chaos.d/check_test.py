"""check_test.py: the judgement of writes finds what it is made to find."""
import unittest

from check import wrong_writes
from observe import History
from workload import MARK, Ledger


def wrote(ledger, method, outcome, revision=0, base=0, uid="u"):
    write = ledger.begin(method, "x", 21, base, uid)
    write.outcome, write.revision, write.spec = outcome, revision, {"n": write.number}
    return write


def item(write, **changes):
    return {"metadata": {"uid": "u", "labels": {MARK: str(write.number)}}, "spec": {"n": write.number}, **changes}


class WrongWrites(unittest.TestCase):
    def setUp(self):
        self.ledger, self.history = Ledger(), History()
        self.first = wrote(self.ledger, "POST", "acknowledged", 10)

    def said(self, *items):
        return " ".join(wrong_writes(self.ledger, self.history, items))

    def saw(self, revision, write):
        self.history.saw(revision, {"uid": "u", "mark": str(write.number)}, False, 21)

    def test_what_is_there_is_right(self):
        second = wrote(self.ledger, "PUT", "acknowledged", 20, base=10)
        self.saw(10, self.first)
        self.saw(20, second)
        self.assertEqual(self.said(item(second)), "")

    def test_an_older_write_at_the_end_is_a_loss(self):
        wrote(self.ledger, "PUT", "acknowledged", 20)
        self.assertIn("lost: #2", self.said(item(self.first)))

    def test_another_spec_is_a_loss(self):
        self.assertIn("lost: #1", self.said(item(self.first, spec={"n": 9})))

    def test_an_object_gone_without_a_deletion_is_a_loss(self):
        self.assertIn("nobody deleted it", self.said())

    def test_a_deletion_whose_outcome_is_unknown_may_have_happened_or_not(self):
        wrote(self.ledger, "DELETE", "unknown")
        self.assertEqual(self.said(), "")
        self.assertEqual(self.said(item(self.first)), "")

    def test_a_deletion_that_was_refused_has_not_happened(self):
        wrote(self.ledger, "DELETE", "refused")
        self.assertIn("nobody deleted it", self.said())

    def test_what_was_deleted_stays_deleted(self):
        wrote(self.ledger, "DELETE", "acknowledged")
        self.assertIn("lost: #2", self.said(item(self.first)))

    def test_a_write_whose_outcome_is_unknown_may_be_the_last(self):
        second = wrote(self.ledger, "PUT", "unknown")
        self.assertEqual(self.said(item(second)), "")

    def test_a_refused_write_was_not_done(self):
        self.saw(20, wrote(self.ledger, "PUT", "refused"))
        self.assertIn("refused, but done: #2", self.said(item(self.first)))

    def test_no_write_goes_over_what_its_author_has_not_seen(self):
        other, second = wrote(self.ledger, "PUT", "acknowledged", 15), wrote(self.ledger, "PUT", "acknowledged", 20, base=10)
        self.saw(15, other)
        self.assertIn("had not seen", self.said(item(second)))

    def test_watches_show_what_was_acknowledged(self):
        self.saw(10, wrote(self.ledger, "PUT", "unknown"))
        self.assertIn("the watches show", self.said(item(self.first)))

    def test_a_version_is_the_same_for_all(self):
        self.saw(10, self.first)
        self.saw(10, wrote(self.ledger, "PUT", "unknown"))
        self.assertTrue(self.history.problems)


if __name__ == "__main__":
    unittest.main()
