/* Unwind information that compilers do not write but people do: every directive of the assembler, and what only escapes
 * can say. x86-64. Built by unwindTable.test.ts; never run. */
	.text

	.globl	other_register
	.type	other_register, @function
other_register:
	.cfi_startproc
	mov	%rsp, %rax
	.cfi_def_cfa_register rax
	push	%rbx
	.cfi_offset rbx, -16
	push	%rbp
	.cfi_offset rbp, -24
	mov	%rax, 40(%rsp)
	/* CFA = *(rsp + 40) + 8, as OpenSSL has it */
	.cfi_escape 0x0f, 5, 0x77, 40, 0x06, 0x23, 8
	nop
	mov	40(%rsp), %rsi
	.cfi_def_cfa rsi, 8
	lea	(%rsi), %rsp
	.cfi_def_cfa_register rsp
	ret
	.cfi_endproc

	/* Behind an expression the offset from before it counts again. */
	.globl	behind_expression
behind_expression:
	.cfi_startproc
	.cfi_def_cfa_offset 56
	nop
	.cfi_escape 0x0f, 6, 0x77, 0x98, 0x04, 0x06, 0x23, 56
	nop
	.cfi_def_cfa_register rsp
	nop
	.cfi_escape 0x0f, 3, 0x77, 0x98, 0x04
	nop
	.cfi_def_cfa_offset 48
	nop
	.cfi_def_cfa_register rsp
	nop
	.cfi_endproc

	.globl	nested_states
nested_states:
	.cfi_startproc
	push	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	.cfi_remember_state
	push	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_remember_state
	mov	%rsp, %rbp
	.cfi_def_cfa_register rbp
	nop
	.cfi_restore_state
	pop	%r12
	.cfi_restore_state
	pop	%rbp
	.cfi_def_cfa_offset 8
	.cfi_restore rbp
	ret
	.cfi_endproc

	/* Return address in a register, frame pointer in another (vfork, longjmp). */
	.globl	in_registers
in_registers:
	.cfi_startproc
	pop	%rdi
	.cfi_adjust_cfa_offset -8
	.cfi_register rip, rdi
	mov	%rbp, %r9
	.cfi_register rbp, r9
	nop
	push	%rdi
	.cfi_adjust_cfa_offset 8
	.cfi_offset rip, -8
	.cfi_same_value rbp
	ret
	.cfi_endproc

	.globl	stack_elsewhere
stack_elsewhere:
	.cfi_startproc
	mov	(%rdi), %r8
	.cfi_register rsp, r8
	nop
	.cfi_undefined rbp
	nop
	.cfi_endproc

	.globl	thread_entry
thread_entry:
	.cfi_startproc
	.cfi_undefined rip
	xor	%ebp, %ebp
	nop
	.cfi_endproc

	.globl	signal_like
signal_like:
	.cfi_startproc
	.cfi_signal_frame
	nop
	.cfi_def_cfa_offset 32
	nop
	.cfi_endproc

	/* Advances of one, two and four bytes; an offset beyond a row's field; one that is no multiple of 8. */
	.globl	long_way
long_way:
	.cfi_startproc
	.skip	70, 0x90
	.cfi_def_cfa_offset 16
	.skip	300, 0x90
	.cfi_def_cfa_offset 24
	.skip	70000, 0x90
	.cfi_def_cfa_offset 1000000
	.cfi_offset rbp, -999984
	nop
	.cfi_def_cfa_offset 12
	nop
	.cfi_def_cfa_offset 2147483640
	nop
	.cfi_endproc

	/* DW_CFA_GNU_args_size, val_offset, val_expression, an expression for rbp, and one nobody can put into a row. */
	.globl	escapes
escapes:
	.cfi_startproc
	nop
	.cfi_escape 0x2e, 0x20
	.cfi_def_cfa_offset 48
	nop
	.cfi_val_offset rbx, -16
	nop
	.cfi_escape 0x16, 6, 2, 0x77, 8
	nop
	.cfi_escape 0x10, 6, 2, 0x76, 0
	nop
	.cfi_escape 0x10, 6, 4, 0x77, 8, 0x06, 0x06
	nop
	.cfi_escape 0x0f, 8, 0x77, 8, 0x79, 0, 0x38, 0x1e, 0x22, 0x06
	nop
	.cfi_def_cfa rsp, 48
	.cfi_restore rbp
	.cfi_escape 0x05, 6, 2
	.cfi_escape 0x11, 16, 1
	.cfi_escape 0x12, 7, 0x7a
	nop
	.cfi_escape 0x13, 0x79
	nop
	.cfi_endproc

	.section .note.GNU-stack, "", @progbits
