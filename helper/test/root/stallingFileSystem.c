// A FUSE file system with one file, "file", which stops answering when it is told to: for stalledMount.test.ts.
//   stallingFileSystem FOLDER FILE    mounts on FOLDER and serves FILE's bytes; prints "ready"
// A line of standard input names from when on which requests stay without an answer: "all", or an opcode's number. Unmounts
// itself at the end of standard input. Protocol: <linux/fuse.h>.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILE_NODE 2

static int device, backing;
static struct stat status;

static void answer(const struct fuse_in_header *in, int error, const void *data, size_t bytes)
{
	struct fuse_out_header out = { sizeof(out) + bytes, error, in->unique };
	struct iovec parts[2] = { { &out, sizeof(out) }, { (void *)data, bytes } };

	if (writev(device, parts, 2) < 0 && errno != ENOENT)
		perror("answer");
}

static struct fuse_attr attributes(__u64 node)
{
	struct fuse_attr attr = { .ino = node, .nlink = 1, .blksize = 4096 };

	attr.mode = node == FILE_NODE ? S_IFREG | 0755 : S_IFDIR | 0755;
	attr.size = node == FILE_NODE ? status.st_size : 0;
	return attr;
}

static void serve(const struct fuse_in_header *in, const void *body)
{
	static char bytes[1 << 20];
	const struct fuse_read_in *read = body;
	struct fuse_init_out init = { .major = 7, .minor = 31, .max_readahead = 1 << 16, .max_write = 1 << 16 };
	struct fuse_entry_out entry = { .nodeid = FILE_NODE, .attr = attributes(FILE_NODE) };
	struct fuse_attr_out attr = { .attr = attributes(in->nodeid) };
	struct fuse_open_out open = { .open_flags = FOPEN_KEEP_CACHE };
	ssize_t got;

	switch (in->opcode) {
	case FUSE_INIT:
		return answer(in, 0, &init, sizeof(init));
	case FUSE_LOOKUP:
		return strcmp(body, "file") ? answer(in, -ENOENT, NULL, 0) : answer(in, 0, &entry, sizeof(entry));
	case FUSE_GETATTR:
		return answer(in, 0, &attr, sizeof(attr));
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return answer(in, 0, &open, sizeof(open));
	case FUSE_READ:
		got = pread(backing, bytes, read->size < sizeof(bytes) ? read->size : sizeof(bytes), read->offset);
		return answer(in, got < 0 ? -errno : 0, bytes, got < 0 ? 0 : got);
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_ACCESS:
		return answer(in, 0, NULL, 0);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	default:
		answer(in, -ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static char request[(1 << 17) + 4096];
	struct pollfd polled[2] = { { .events = POLLIN }, { .fd = 0, .events = POLLIN } };
	int silent = 0, all = 0;
	char options[128], line[32];
	ssize_t got;

	device = open("/dev/fuse", O_RDWR);
	backing = argc > 2 ? open(argv[2], O_RDONLY) : -1;
	if (device < 0 || backing < 0 || fstat(backing, &status)) {
		perror("open");
		return 1;
	}
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device);
	if (mount("stalling", argv[1], "fuse.stalling", MS_NOSUID | MS_NODEV, options)) {
		perror("mount");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	polled[0].fd = device;
	for (;;) {
		if (poll(polled, 2, -1) < 0)
			break;
		if (polled[1].revents) {
			got = read(0, line, sizeof(line) - 1);
			if (got <= 0)
				break;
			line[got] = 0;
			all = !strncmp(line, "all", 3);
			silent = atoi(line);
			puts("silent");
			fflush(stdout);
		}
		if (polled[0].revents & POLLERR)
			break;
		if (!(polled[0].revents & POLLIN))
			continue;
		got = read(device, request, sizeof(request));
		if (got < 0 && errno != ENOENT && errno != EINTR && errno != EAGAIN)
			break;
		if (got >= (ssize_t)sizeof(struct fuse_in_header)) {
			const struct fuse_in_header *in = (void *)request;

			if (!all && (int)in->opcode != silent)
				serve(in, request + sizeof(*in));
		}
	}
	umount2(argv[1], MNT_DETACH);
	return 0;
}
