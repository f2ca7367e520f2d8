#define _GNU_SOURCE
#include "CSystemCalls.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#ifdef __linux__
#include <sys/timex.h>
#endif

int system_clock_is_kept(void) {
#ifdef __linux__
    struct timex times;
    memset(&times, 0, sizeof times);  // asks, and sets nothing
    int state = adjtimex(&times);
    if (state < 0) return -1;
    return state != TIME_ERROR && !(times.status & STA_UNSYNC);
#else
    return -1;
#endif
}

// Room for one descriptor, aligned as the macros want it.
typedef union {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
} one_descriptor;

ssize_t system_send_descriptor(int socket, const void *bytes, size_t length, int descriptor) {
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
    one_descriptor control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.room;
        message.msg_controllen = sizeof control.room;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

ssize_t system_receive_descriptor(int socket, void *bytes, size_t length, int *descriptor) {
    struct iovec part = {.iov_base = bytes, .iov_len = length};
    one_descriptor control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    *descriptor = -1;
    ssize_t received;
    do received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (received < 0 && errno == EINTR);
    if (received < 0) return received;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
            memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
    }
    return received;
}
