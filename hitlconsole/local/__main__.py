import sys

from hitlconsole.local.cli import main

sys.exit(main(sys.argv[1:]))
