exampledir = $(docdir)/examples
dist_example_DATA = policy/10-management.conf policy/50-database-disk.conf policy/50-gpu.conf \
	policy/50-lab.conf

# What root may do, and whom polkit lets.
dist_polkitaction_DATA = policy/org.pcassign1.policy
dist_example_DATA += policy/50-pcassign.rules
