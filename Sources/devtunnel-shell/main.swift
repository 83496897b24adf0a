import Glibc
import ShellHelper

exit(ShellProgram.run())
