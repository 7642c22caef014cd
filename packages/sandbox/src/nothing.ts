/** Stands for what an executor must not load. */
export default undefined
