dist_man_MANS += man/pcassignd.8
