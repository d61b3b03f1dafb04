/* queue.h - one NFQUEUE and the thread that decides about its packets */
#ifndef NAT_QUEUE_H
#define NAT_QUEUE_H

#include <pthread.h>

#include "nat/forward.h"

struct queue {
	struct forward forward;
	unsigned index;			/* the reader's number at the demux
					 * table */
	uint16_t number;		/* NFQUEUE's */
	int fd;
	int stop_fd;
	pthread_t thread;
	bool running;
	struct queue_buffers *buffers;
};

/*
 * Opens and binds the queue, which holds length packets (0: default): 0, or -1
 * after one log line.  shared outlives it.
 */
int	queue_open(struct queue *q, struct forward_shared *shared,
	    unsigned index, uint16_t number, unsigned length);
/* Starts the thread: 0, or -1 after one log line. */
int	queue_start(struct queue *q);
/* Stops the thread and frees all; a queue that was never opened is all zero. */
void	queue_close(struct queue *q);

#endif
