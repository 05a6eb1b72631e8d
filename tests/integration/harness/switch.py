# SPDX-License-Identifier: GPL-2.0-or-later
"""A SONiC switch's databases, in a redis-server of the test's own."""
import json
import os

import redis

DATABASES = {"APPL_DB": (0, ":"), "CONFIG_DB": (4, "|"), "STATE_DB": (6, "|")}


class Switch:
    """config_file: its database_config.json."""

    def __init__(self, server, folder, application="neighsyncd"):
        self.server = server
        self.application = application
        self.appl_db, self.config_db, self.state_db = (
            redis.Redis(unix_socket_path=server.socket, db=number, decode_responses=True)
            for number, _ in DATABASES.values())
        self.config_file = os.path.join(folder, "database_config.json")
        with open(self.config_file, "w", encoding="ascii") as file:
            json.dump({
                "INSTANCES": {"redis": {"hostname": "127.0.0.1", "port": 6379,
                                        "unix_socket_path": server.socket}},
                "DATABASES": {name: {"id": number, "separator": separator, "instance": "redis"}
                              for name, (number, separator) in DATABASES.items()},
                "VERSION": "1.0"}, file)

    def enable_warm_restart(self, docker="swss", timer_s=1):
        self.state_db.hset(f"WARM_RESTART_ENABLE_TABLE|{docker}", "enable", "true")
        if timer_s:
            self.config_db.hset("WARM_RESTART|swss", "neighsyncd_timer", timer_s)

    def neighbours_are_restored(self):
        self.state_db.hset("NEIGH_RESTORE_TABLE|Flags", "restored", "true")

    def warm_restart(self):
        """The application's row."""
        return self.state_db.hgetall(f"WARM_RESTART_TABLE|{self.application}")
