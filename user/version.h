/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NEIGHTRACK_VERSION_H
#define NEIGHTRACK_VERSION_H

#define NEIGHTRACK_VERSION "0.1.0"

#endif
