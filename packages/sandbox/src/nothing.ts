/** Stands for an optional module that an executor must not load; who asks for it has to go without. */
throw new Error('not available in an executor')
