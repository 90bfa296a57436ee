// Fibres of the emulated device, one for each thread of a block.
#ifndef DMTRAIN_EMU_FIBRE_H
#define DMTRAIN_EMU_FIBRE_H

int emu_fibres_open(void);
void emu_fibre_start(void **sp, int i, void (*entry)(void)); // entry never returns
void emu_fibre_run(void **sp);                               // from the scheduler, until the fibre leaves
void emu_fibre_leave(void **sp);                             // from the fibre, back to the scheduler

#endif
