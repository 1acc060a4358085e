"""Where tasks run: processes of this machine, any executor, or a Dask cluster."""
