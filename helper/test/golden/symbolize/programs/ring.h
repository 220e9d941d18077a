// Inlined from a header: its lines must come out as ring.h's.
#ifndef RING_H
#define RING_H

struct ring {
  unsigned head, tail;
  int slots[64];
};

static inline int ring_push(struct ring *ring, int value) {
  if (ring->head - ring->tail == 64) return 0;
  ring->slots[ring->head++ % 64] = value;
  return 1;
}

static inline int ring_pop(struct ring *ring, int *value) {
  if (ring->head == ring->tail) return 0;
  *value = ring->slots[ring->tail++ % 64];
  return 1;
}

#endif
