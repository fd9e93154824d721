/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A boot sector that tells on the first serial port that it runs, and ends the machine through
 * isa-debug-exit at 0xf4. Whoever reads its line has booted from the disk that holds it.
 */
        .code16
        .globl _start
_start: xorw    %ax, %ax
        movw    %ax, %ds
        cld
        /* The BIOS loads this at 0:7c00, some as 7c0:0. */
        ljmp    $0, $next
next:   movw    $text, %si
next_byte:
        lodsb
        testb   %al, %al
        jz      end
        movb    %al, %bl
        movw    $0x3fd, %dx
busy:   inb     %dx, %al
        testb   $0x20, %al
        jz      busy
        movw    $0x3f8, %dx
        movb    %bl, %al
        outb    %al, %dx
        jmp     next_byte
end:    movw    $0xf4, %dx
        movb    $0x10, %al
        outb    %al, %dx
halt:   hlt
        jmp     halt

text:   .asciz  "pcassign: booted from the assigned NVMe disk\r\n"

        .org    510
        .word   0xaa55
