"""chaos.py DIR BINARY: started by ../chaos, which has made the nodes and places below DIR. `chaos.py --help` lists the options."""
import argparse
import collections
import http.client
import os
import random
import shutil
import signal
import statistics
import sys
import time

from check import rest, unseen, wrong_writes
from fixture import CONTROLLERS, NODES, SERVERS, Controller, Failure, Swarm, ZooKeeper, die_with_parent, wait_until
from nemesis import Nemesis
from observe import History, LeaderSampler, SwarmWatcher, Watcher
from workload import PATH, Client, Ledger, send, sleeper

BEGAN = time.monotonic()
CLIENTS = 5
CONTROL_SECONDS, ALL_SECONDS = 40, 45  # of one cycle: faults of controllers and store alone, faults of the Swarm as well


def log(what):
    print(f"{time.monotonic() - BEGAN:7.1f} {what}", flush=True)


class Chaos:
    def __init__(self, options):
        self.options = options
        self.swarm = Swarm(options.dir)
        self.servers = [ZooKeeper(self.swarm, k) for k in SERVERS]
        self.controllers = [Controller(self.swarm, k, options.binary) for k in CONTROLLERS]
        self.nemesis = Nemesis(options.seed, self.swarm, self.servers, self.controllers, self.tend, log if options.verbose else lambda what: None)
        self.history, self.ledger = History(), Ledger()
        self.watchers = [Watcher(c, self.history) for c in self.controllers]
        claims = []
        self.swarm_watcher = SwarmWatcher(self.swarm, self.history)
        self.observers = [*self.watchers, *(LeaderSampler(c, self.history, claims) for c in self.controllers), self.swarm_watcher]
        self.claims, self.converged, self.restarted, self.lost = claims, [], 0, 0
        os.makedirs(f"{options.dir}/workspaces", exist_ok=True)

    def start(self):
        for server in self.servers:
            server.start()
        for node in NODES:
            self.swarm.engine(node, "POST", "/images/zoe-test:1/tag?repo=zoe-test&tag=by-hand")
        self.swarm_watcher.adopt()
        wait_until(lambda: all(s.mode() for s in self.servers), 60, "three ZooKeeper servers")
        for controller in self.controllers:
            controller.start()
        wait_until(lambda: all(c.ready() for c in self.controllers), 60, "three controllers")
        wait_until(self.leader, 30, "a leader")
        for observer in self.observers:
            observer.start()
        write = send(self.ledger, self.controllers[0], "POST", "aside", sleeper("aside", 3, "aside"))
        if write.outcome != "acknowledged":
            raise Failure(f"the first write: {write}")
        self.rest(quiet=3)
        log("up")

    def leader(self):
        return next((c for c in self.controllers if c.leads()), None)

    def tend(self):
        for controller in self.controllers:
            controller.tend()
        if self.history.problems:
            raise Failure("seen while it went on:\n  " + "\n  ".join(self.history.problems))

    def rest(self, quiet=20):
        world, seconds = rest(self.swarm, self.controllers, self.watchers, self.tend, self.nemesis.last_over, quiet=quiet, log=log)
        self.tend()
        if touched := self.swarm_watcher.touched():
            raise Failure("\n  ".join(touched))
        if problems := wrong_writes(self.ledger, self.history, world.items.values()):
            self.lost = sum(p.startswith("lost") for p in problems)
            raise Failure("\n  ".join(problems))
        return seconds

    def aside(self):
        """Ids of the containers that nobody but controllers may touch."""
        return {c["Id"] for node in NODES for c in self.swarm.containers(node, "aside")}

    def expect_untouched(self, before):
        gone = before - self.aside()
        self.restarted += len(gone)
        if gone:
            raise Failure(f"faults of controllers and store alone replaced {len(gone)} of {len(before)} containers")

    def cycle(self, number, lose_quorum):
        clients = [Client(self.ledger, self.controllers, f"{self.options.seed} {number} {i}", 0.8) for i in range(CLIENTS)]
        before = self.aside()
        for client in clients:
            client.start()
        self.nemesis.rage(CONTROL_SECONDS, self.nemesis.kinds(False), lose_quorum)
        self.expect_untouched(before)
        log("faults of the Swarm as well")
        self.nemesis.rage(ALL_SECONDS, self.nemesis.kinds(True))
        for client in clients:
            client.over.set()
        for client in clients:
            client.join()
        self.nemesis.calm()
        log("calm")
        self.converged.append(self.rest())
        log(f"cycle {number}: at rest after {self.converged[-1]:.1f} s; {self.figures()}")

    def failover(self, number, how):
        """Ends the leader; seconds until the next one has made a service: from the end, or where it is started again at once, from when it serves."""
        leader = wait_until(self.leader, 30, "a leader")
        other = random.Random(f"{self.options.seed} {number}").choice([c for c in self.controllers if c is not leader])
        before, name = self.aside(), f"after-{how}-{number}"
        if how == "restart":
            leader.kill()
            leader.start()
            wait_until(leader.serves, 30, "the leader that was started again", every=0.005)
        else:
            getattr(leader, how)()
        since = time.monotonic()
        write = send(self.ledger, other, "POST", name, sleeper(name, 1, "failover"))
        if write.outcome != "acknowledged":
            raise Failure(f"while nobody led: {write}")
        def made():
            return any(s["Spec"]["Labels"]["zoe.name"] == name for s in self.swarm.services())
        wait_until(made, 60, f"a new leader after controller {leader.k} had ended", every=0.02)
        seconds = time.monotonic() - since
        def runs():
            return other.ask("GET", f"{PATH}/{name}")[1]["status"].get("phase") == "Running"
        wait_until(runs, 60, f"{name} to run")
        if how != "restart":
            leader.start()
        wait_until(leader.ready, 30, "the one that was ended")
        send(self.ledger, other, "DELETE", name, None, uid=write.uid)
        self.expect_untouched(before)
        self.tend()
        return seconds

    def failovers(self, rounds):
        for how, words in (("kill", "kill -9 of the leader"), ("restart", "kill -9 and the start of the same one"), ("stop", "SIGTERM to the leader")):
            took = [self.failover(i, how) for i in range(rounds)]
            if took:
                log(f"failover after {words}, {rounds} rounds: until a service is made {min(took):.2f} / {statistics.median(took):.2f} / "
                    f"{max(took):.2f} s (min / median / max); containers restarted {self.restarted}")

    def figures(self):
        writes = self.ledger
        return (f"{sum(self.nemesis.counts.values())} faults; writes acknowledged {writes.count('acknowledged')}, refused {writes.count('refused')}, "
                f"unknown {writes.count('unknown')}, lost {self.lost}; containers restarted by failover {self.restarted}")

    def summary(self):
        for name, count in sorted(self.nemesis.counts.items()):
            print(f"  {count:5} {name}")
        codes = collections.Counter((w.method, w.code, w.outcome) for w in self.ledger.writes)
        print("  writes by answer: " + ", ".join(f"{m} {c or 'none'} {o} {n}" for (m, c, o), n in sorted(codes.items())))
        print(f"  {len(self.history.versions)} versions seen ({unseen(self.ledger, self.history)} acknowledged ones overtaken unseen), {self.history.relists} "
              f"relists; {len(self.history.leaders)} leaders in {len(self.claims)} samples; {self.swarm_watcher.samples} looks at the Swarm; controllers that "
              f"gave up at their start: {sum(c.exits for c in self.controllers)}")
        if self.converged:
            print(f"  seconds to converge after the last fault: {min(self.converged):.1f} / {statistics.median(self.converged):.1f} / "
                  f"{max(self.converged):.1f} (min / median / max of {len(self.converged)})")
        print("  " + self.figures())

    def run(self):
        self.start()
        end = time.monotonic() + 60 * self.options.minutes
        if self.options.mode == "chaos":
            number = 0
            while number == 0 or time.monotonic() < end:
                self.cycle(number, lose_quorum=True)
                number += 1
        self.failovers(self.options.rounds)
        self.nemesis.last_over = time.monotonic()
        self.rest(quiet=5)
        for controller in self.controllers:
            controller.stop()

    def end(self):
        for thing in [*self.controllers, *self.servers]:
            thing.kill()
        if self.options.keep:
            for thing in [*self.controllers, *self.servers]:
                os.makedirs(self.options.keep, exist_ok=True)
                shutil.copy(thing.log, f"{self.options.keep}/{os.path.basename(thing.folder)}.log")


def main():
    parser = argparse.ArgumentParser(prog="chaos")
    parser.add_argument("dir")
    parser.add_argument("binary")
    parser.add_argument("mode", nargs="?", choices=["chaos", "failover"], default="chaos")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--minutes", type=float, default=0, help="cycles of faults and rest go on for so long (default: one)")
    parser.add_argument("--rounds", type=int, default=None, help="of failover (default: 2, 20 where the mode is failover)")
    parser.add_argument("--keep", help="a directory for the logs")
    parser.add_argument("--verbose", action="store_true", help="tells each fault")
    options = parser.parse_args()
    if options.rounds is None:
        options.rounds = 20 if options.mode == "failover" else 2
    die_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    again = [a for i, a in enumerate(sys.argv[3:], 3) if "--seed" not in (a, sys.argv[i - 1]) and a != "--verbose"]
    print(f"test/e2e/chaos {' '.join([*again, '--seed', str(options.seed)])}", flush=True)
    chaos = Chaos(options)
    code = 1
    try:
        chaos.run()
        code = 0
    except (Failure, OSError, http.client.HTTPException) as error:
        print(f"FAILED: {error}", flush=True)
        for thing in chaos.controllers:
            print(f"controller {thing.k}:\n{thing.tail()}" if os.path.exists(thing.log) else f"controller {thing.k} has not been started")
    finally:
        for observer in chaos.observers:
            observer.over.set()
        chaos.summary()
        chaos.end()
    os._exit(code)  # the observers' threads may still wait for an answer


if __name__ == "__main__":
    main()
