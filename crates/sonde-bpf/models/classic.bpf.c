/* A model of the usual way to watch calls, to compare with: system call tracepoints that every process of the machine
 * passes, connections by process and descriptor, and one event with 1 KiB of payload for each call, which user space
 * judges. It is nobody's product; which hooks and sizes such products have in common is what it repeats.
 */
#include "kernel.h"

char LICENSE[] SEC("license") = "GPL";

enum {
	PAYLOAD_ROOM = 1024,
	/* The reader is woken for about a hundred events at once; for each one it would cost five times as much. */
	WAKE_BYTES = 100 * 1024,
};

/* include/linux/syscalls.h, as the tracepoints' format files tell it */
struct sys_enter {
	__u64 common;
	long number;
	unsigned long args[6];
};
struct sys_exit {
	__u64 common;
	long number;
	long value;
};

struct descriptor {
	__u64 fd;
	__u64 process;
};
struct conversation {
	__u64 sent;
	__u64 received;
	__u64 is_accepted;
};
struct request {
	__u64 began_ns;
	__u64 bytes;
	__u8 payload[PAYLOAD_ROOM];
};
struct event {
	__u64 fd;
	__u64 took_ns;
	__u64 bytes;
	__u32 process;
	__u32 status;
	__u8 payload[PAYLOAD_ROOM];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct descriptor);
	__type(value, struct conversation);
} conversations SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, __u64);
	__type(value, struct descriptor);
} reads SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, __u64);
	__type(value, __u64);
} buffers SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct descriptor);
	__type(value, struct request);
} requests SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct request);
} new_request SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event);
} new_event SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} events SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

static __always_inline struct descriptor descriptor(__u64 fd)
{
	struct descriptor here = {.fd = fd, .process = bpf_get_current_pid_tgid() >> 32};

	return here;
}

/* Bytes of payload to read; the barrier keeps the compiler from taking the mask away, which the verifier wants to see. */
static __always_inline __u32 bounded(__u64 bytes)
{
	if (bytes > PAYLOAD_ROOM - 1)
		bytes = PAYLOAD_ROOM - 1;
	asm volatile("" : "+r"(bytes));
	return bytes & (PAYLOAD_ROOM - 1);
}

static __always_inline void on_request(struct descriptor *here, const void *buffer, __u64 bytes)
{
	__u32 first = 0;
	struct request *request = bpf_map_lookup_elem(&new_request, &first);

	if (!request)
		return;
	request->began_ns = bpf_ktime_get_ns();
	request->bytes = bytes;
	bpf_probe_read_user(request->payload, bounded(bytes), buffer);
	bpf_map_update_elem(&requests, here, request, BPF_NOEXIST);
}

static __always_inline void send(struct event *event)
{
	__u32 first = 0;
	__u64 flags = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > WAKE_BYTES ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
	__u64 *count;

	if (!bpf_ringbuf_output(&events, event, sizeof(*event), flags))
		return;
	count = bpf_map_lookup_elem(&lost, &first);
	if (count)
		*count += 1;
}

static __always_inline void on_answer(struct descriptor *here, const void *buffer)
{
	struct request *request = bpf_map_lookup_elem(&requests, here);
	struct event *event;
	__u32 first = 0;

	if (!request)
		return;
	event = bpf_map_lookup_elem(&new_event, &first);
	if (!event)
		return;
	event->fd = here->fd;
	event->process = here->process;
	event->took_ns = bpf_ktime_get_ns() - request->began_ns;
	event->bytes = request->bytes;
	bpf_probe_read_user(&event->status, sizeof(event->status), buffer);
	bpf_probe_read_kernel(event->payload, bounded(request->bytes), request->payload);
	bpf_map_delete_elem(&requests, here);
	send(event);
}

static __always_inline int on_write(__u64 fd, const void *buffer, __u64 bytes)
{
	struct descriptor here = descriptor(fd);
	struct conversation *with = bpf_map_lookup_elem(&conversations, &here);

	if (!with)
		return 0;
	__sync_fetch_and_add(&with->sent, bytes);
	if (with->is_accepted)
		on_answer(&here, buffer);
	else
		on_request(&here, buffer, bytes);
	return 0;
}

static __always_inline int on_read_enter(__u64 fd, __u64 buffer)
{
	struct descriptor here = descriptor(fd);
	__u64 thread = bpf_get_current_pid_tgid();

	if (!bpf_map_lookup_elem(&conversations, &here))
		return 0;
	bpf_map_update_elem(&reads, &thread, &here, BPF_ANY);
	bpf_map_update_elem(&buffers, &thread, &buffer, BPF_ANY);
	return 0;
}

static __always_inline int on_read_exit(long got)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct descriptor *read = bpf_map_lookup_elem(&reads, &thread), here;
	__u64 *at = bpf_map_lookup_elem(&buffers, &thread);
	struct conversation *with;
	const void *buffer;

	if (!read || !at)
		return 0;
	here = *read;
	buffer = (const void *)*at;
	bpf_map_delete_elem(&reads, &thread);
	if (got <= 0)
		return 0;
	with = bpf_map_lookup_elem(&conversations, &here);
	if (!with)
		return 0;
	__sync_fetch_and_add(&with->received, got);
	if (with->is_accepted)
		on_request(&here, buffer, got);
	else
		on_answer(&here, buffer);
	return 0;
}

static __always_inline void begin(__u64 fd, __u64 is_accepted)
{
	struct descriptor here = descriptor(fd);
	struct conversation with = {.is_accepted = is_accepted};

	bpf_map_update_elem(&conversations, &here, &with, BPF_ANY);
}

SEC("tracepoint/syscalls/sys_enter_write")
int enter_write(struct sys_enter *context)
{
	return on_write(context->args[0], (const void *)context->args[1], context->args[2]);
}

SEC("tracepoint/syscalls/sys_enter_sendto")
int enter_sendto(struct sys_enter *context)
{
	return on_write(context->args[0], (const void *)context->args[1], context->args[2]);
}

SEC("tracepoint/syscalls/sys_enter_writev")
int enter_writev(struct sys_enter *context)
{
	struct {
		const void *base;
		__u64 length;
	} first = {};

	bpf_probe_read_user(&first, sizeof(first), (const void *)context->args[1]);
	return on_write(context->args[0], first.base, first.length);
}

SEC("tracepoint/syscalls/sys_enter_read")
int enter_read(struct sys_enter *context)
{
	return on_read_enter(context->args[0], context->args[1]);
}

SEC("tracepoint/syscalls/sys_enter_recvfrom")
int enter_recvfrom(struct sys_enter *context)
{
	return on_read_enter(context->args[0], context->args[1]);
}

SEC("tracepoint/syscalls/sys_exit_read")
int exit_read(struct sys_exit *context)
{
	return on_read_exit(context->value);
}

SEC("tracepoint/syscalls/sys_exit_recvfrom")
int exit_recvfrom(struct sys_exit *context)
{
	return on_read_exit(context->value);
}

SEC("tracepoint/syscalls/sys_exit_accept4")
int exit_accept4(struct sys_exit *context)
{
	if (context->value >= 0)
		begin(context->value, 1);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_accept")
int exit_accept(struct sys_exit *context)
{
	if (context->value >= 0)
		begin(context->value, 1);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_connect")
int enter_connect(struct sys_enter *context)
{
	begin(context->args[0], 0);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_close")
int enter_close(struct sys_enter *context)
{
	struct descriptor here = descriptor(context->args[0]);

	bpf_map_delete_elem(&conversations, &here);
	return 0;
}
