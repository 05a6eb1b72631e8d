# SPDX-License-Identifier: GPL-2.0-or-later
"""What the integration tests need: network namespaces, a redis-server, the
daemon, the kernel's own view of its neighbours, and waiting with a limit."""
