#ifndef CLINUX_THREAD_H
#define CLINUX_THREAD_H

/// Names the calling thread (prctl(2), PR_SET_NAME): 15 bytes of it.
void clinux_name_thread(const char *name);

#endif
