exampledir = $(docdir)/examples
dist_example_DATA = policy/10-management.conf policy/50-database-disk.conf policy/50-gpu.conf \
	policy/50-lab.conf
