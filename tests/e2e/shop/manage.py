#!/usr/bin/env python3
"""The Django project that the end-to-end tests raise errors in."""
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
execute_from_command_line(sys.argv)
